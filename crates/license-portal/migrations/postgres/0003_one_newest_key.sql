-- Two instances that start at once with different keys cannot both be the first.
CREATE UNIQUE INDEX anchors_by_position ON anchors (position);
