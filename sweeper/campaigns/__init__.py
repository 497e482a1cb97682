"""What happens around a search: preparation before it; reruns, the winner, export and registry after it."""
