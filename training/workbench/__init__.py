"""What trials share in a process: base, tokenizer, encoded data; and what is checked before the first step."""
