"""All that touches urllib3 and http.client, beside `rest`."""
