"""Everything that touches the world: audio files, folders, the model cache, the bounce."""
