"""The page's figures, one kind a file, each as data for plotly."""
