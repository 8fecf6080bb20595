-- Licenses that were sold together. `repeat_key` and `body`, for 30 days: the key that makes repeating the order harmless,
-- and what was ordered with it, each as a MAC.
CREATE TABLE orders (
    id         BIGINT NOT NULL PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    placed_at  BIGINT NOT NULL,
    repeat_key TEXT UNIQUE,
    body       TEXT
);

-- `seats`: on how many computers it can be registered; NULL: on as many as the portal is set to.
ALTER TABLE licenses ADD COLUMN order_id BIGINT REFERENCES orders (id);
ALTER TABLE licenses ADD COLUMN seats BIGINT;
CREATE INDEX licenses_by_order ON licenses (order_id);

-- What waits for one address with one order goes out as one mail.
ALTER TABLE outbox ADD COLUMN order_id BIGINT REFERENCES orders (id);
CREATE INDEX outbox_by_order ON outbox (order_id);
