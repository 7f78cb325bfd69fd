"""Rules in TOML and the judge that holds findings to them."""
