"""What the records mean: campaign reports, figures, spikes, shares."""
