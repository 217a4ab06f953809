"""Pictures of campaigns and audiences: Vega-Lite for the page, and the same as PNG and SVG."""
