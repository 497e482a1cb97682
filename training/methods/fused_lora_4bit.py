"""peft's LoRA layer over 4 bits with our forward and backward pass; importing this module takes bitsandbytes."""

from peft.tuners.lora import Linear4bit

from slimtune.training.methods.fused_lora import FusedLora


class FusedLora4bit(FusedLora, Linear4bit):  # type: ignore[misc]  # peft gives it where bitsandbytes is there
    """peft's LoRA layer over bitsandbytes' `Linear4bit`; merging stays peft's."""
