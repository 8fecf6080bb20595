-- Licenses that were sold together. `repeat_key` and `body`, for 30 days: the key that makes repeating the order harmless,
-- and what was ordered with it, each as a MAC.
CREATE TABLE orders (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    placed_at  INTEGER NOT NULL,
    repeat_key TEXT UNIQUE,
    body       TEXT
) STRICT;

-- `seats`: on how many computers it can be registered; NULL: on as many as the portal is set to.
ALTER TABLE licenses ADD COLUMN order_id INTEGER REFERENCES orders (id);
ALTER TABLE licenses ADD COLUMN seats INTEGER;
CREATE INDEX licenses_by_order ON licenses (order_id);

-- What waits for one address with one order goes out as one mail.
ALTER TABLE outbox ADD COLUMN order_id INTEGER REFERENCES orders (id);
CREATE INDEX outbox_by_order ON outbox (order_id);
