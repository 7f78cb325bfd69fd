"""Controls: the real-against-real floor, planted defects, and the limit of detection."""
