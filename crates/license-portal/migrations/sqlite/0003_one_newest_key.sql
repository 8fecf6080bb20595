-- Two instances that start at once with different keys cannot both be the first. Where two were, each gets a position of
-- its own, in the order in which the portal used them.
CREATE TABLE places AS
    SELECT anchor, row_number() OVER (ORDER BY position, anchor DESC) AS place FROM anchors;
UPDATE anchors SET position = (SELECT place FROM places WHERE places.anchor = anchors.anchor);
DROP TABLE places;
CREATE UNIQUE INDEX anchors_by_position ON anchors (position);
