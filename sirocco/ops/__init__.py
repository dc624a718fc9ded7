"""Running Sirocco: settings, logs, keys, health, the embedded supervisor and engine, backup."""
