"""What a data set holds, before anything is learned from it: counts, sizes, unreadable images, copies."""
