package sqlite

// Tables of the first schema that later ones replace: see pagesSchema.

const surveysSchema = `
CREATE TABLE occasions(
	id         TEXT PRIMARY KEY,
	report     TEXT NOT NULL,
	closure    INTEGER NOT NULL,
	opened     INTEGER NOT NULL,
	day        TEXT NOT NULL,
	centre     TEXT NOT NULL,
	department TEXT NOT NULL,
	category   TEXT NOT NULL,
	channel    TEXT NOT NULL,
	employee   TEXT NOT NULL,
	level      INTEGER NOT NULL DEFAULT 0, -- 0 until rated
	device     TEXT NOT NULL DEFAULT '',   -- that rated it, and on which day
	rated      TEXT NOT NULL DEFAULT '',
	rev        INTEGER NOT NULL,
	doc        BLOB NOT NULL
);
CREATE UNIQUE INDEX occasions_report ON occasions(report, closure);
CREATE INDEX occasions_opened ON occasions(opened, centre, department, category, channel, level);
CREATE INDEX occasions_day ON occasions(day, centre, department, category, employee, level, device, rated);
CREATE INDEX occasions_device ON occasions(device, rated, day) WHERE device <> '';`

const daysSchema = `
CREATE TABLE rating_days(
	day        TEXT NOT NULL,
	centre     TEXT NOT NULL,
	department TEXT NOT NULL,
	category   TEXT NOT NULL,
	employee   TEXT NOT NULL,
	eligible   INTEGER NOT NULL,
	n1 INTEGER NOT NULL, n2 INTEGER NOT NULL, n3 INTEGER NOT NULL, n4 INTEGER NOT NULL, n5 INTEGER NOT NULL,
	flagged    INTEGER NOT NULL,
	PRIMARY KEY(day, centre, department, category, employee)
) WITHOUT ROWID;
CREATE TABLE rating_marks(
	day     TEXT PRIMARY KEY,
	changed INTEGER NOT NULL, -- grows by one with each change of an occasion of the day
	counted INTEGER NOT NULL  -- what it was when the occasions were counted that rating_days shows
) WITHOUT ROWID;
CREATE INDEX rating_marks_open ON rating_marks(day) WHERE changed > counted;`
