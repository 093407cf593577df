"""`python -m acs_bridge`: the same as `acs-bridge`."""

from acs_bridge.cli.main import main

if __name__ == "__main__":
    main()
