"""Microsoft Graph, as much of it as mail clients and their administrators ask for."""
