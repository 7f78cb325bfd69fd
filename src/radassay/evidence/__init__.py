"""What was measured and what was judged: findings, verdicts and the sealed run that holds them."""
