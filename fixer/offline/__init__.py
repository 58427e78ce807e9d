"""The model that needs no network: localise, propose, rank, check."""
