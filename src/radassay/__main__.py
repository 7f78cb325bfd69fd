"""`python -m radassay` is the same program as `radassay`."""

from radassay.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
