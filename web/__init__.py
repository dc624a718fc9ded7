"""The portal: views, templates, assets and translations."""
