"""Consent that a person gives once, so that a prober may sign in on their behalf from then on."""
