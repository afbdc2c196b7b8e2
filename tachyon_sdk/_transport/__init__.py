"""All code that uses urllib3 and http.client, except `rest`."""
