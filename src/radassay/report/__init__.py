"""The report: findings and verdicts of sealed runs as HTML and JSON."""
