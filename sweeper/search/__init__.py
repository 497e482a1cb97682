"""Workers that pull trials from the study, and the loop that launches them."""
