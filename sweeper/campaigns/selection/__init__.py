"""From the best few to the winner: reruns with fresh seeds as a race, and the rule that picks."""
