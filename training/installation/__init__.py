"""Which of the packages that slimtune requires are installed, and what is said of those that are not."""
