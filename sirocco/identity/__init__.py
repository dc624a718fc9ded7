"""Who somebody is: passwords, API keys, sessions and console tickets."""
