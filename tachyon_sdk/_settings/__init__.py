"""What stands behind `Configuration`: checks, environment, hosts and logs."""
