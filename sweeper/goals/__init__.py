"""What a search goes by: its objectives, its constraints, and which of the best trials is picked."""
