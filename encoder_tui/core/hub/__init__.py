"""The Hugging Face Hub: listing, fetching, and the local cache."""
