"""Exchange Web Services: mail, calendar and notifications in SOAP."""
