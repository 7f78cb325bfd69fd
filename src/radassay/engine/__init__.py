"""Where work runs and how it carries on: processes beside this one, claimed folders, checkpoints."""
