"""Human review: a blind sheet of the best trials' answers, and what reviewers say on it."""
