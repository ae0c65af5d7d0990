"""The routes, one file a noun. Each handler reads as the API's documentation."""
