"""What stands behind `ApiClient`: building requests, and the base of the API classes."""
