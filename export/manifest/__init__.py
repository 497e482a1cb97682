"""What a bundle's manifest is to say, found out of the model, its rows and what was measured."""
