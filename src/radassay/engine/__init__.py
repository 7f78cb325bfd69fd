"""Where work runs: processes beside this one."""
