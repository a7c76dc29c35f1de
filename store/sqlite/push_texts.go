package sqlite

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/push"
)

// What administrators wrote is few and is kept for ever. The keys are indexes beside the rows, so that the newest are found without
// reading the texts of the others.
const pushTextsSchema = `
CREATE TABLE templates(
	kind    TEXT NOT NULL,
	channel TEXT NOT NULL,
	version INTEGER NOT NULL,
	doc     BLOB NOT NULL,
	PRIMARY KEY(kind, channel, version)
);
CREATE TABLE policies(
	kind TEXT NOT NULL,
	rev  INTEGER NOT NULL,
	doc  BLOB NOT NULL,
	PRIMARY KEY(kind, rev)
);`

const newestTemplates = `SELECT doc FROM templates WHERE (kind, channel, version) IN
	(SELECT kind, channel, max(version) FROM templates GROUP BY kind, channel) ORDER BY kind, channel`

const newestPolicies = `SELECT doc FROM policies WHERE (kind, rev) IN
	(SELECT kind, max(rev) FROM policies GROUP BY kind) ORDER BY kind`

// Templates are the newest versions.
func (db *DB) Templates(ctx context.Context) ([]push.Template, error) {
	return values(docs[push.Template](db.query(ctx, newestTemplates)))
}

// TemplateVersions are all versions for a kind and channel.
func (db *DB) TemplateVersions(ctx context.Context, k push.Kind, channel string) ([]push.Template, error) {
	return values(docs[push.Template](db.query(ctx, `SELECT doc FROM templates WHERE kind = ? AND channel = ? ORDER BY version DESC`, k, channel)))
}

// AddTemplate writes a version.
func (db *DB) AddTemplate(ctx context.Context, t push.Template) error {
	b, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("encode a template: %w", err)
	}
	return db.addVersion(ctx, `INSERT INTO templates VALUES(?,?,?,?)`, t.Kind, t.Channel, t.Version, b)
}

// Policies are those of the highest rev.
func (db *DB) Policies(ctx context.Context) ([]push.Policy, error) {
	return values(docs[push.Policy](db.query(ctx, newestPolicies)))
}

// AddPolicy writes a rev.
func (db *DB) AddPolicy(ctx context.Context, p push.Policy) error {
	b, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode a policy: %w", err)
	}
	return db.addVersion(ctx, `INSERT INTO policies VALUES(?,?,?)`, p.Kind, p.Rev, b)
}

// addVersion writes a row whose key must be new.
func (db *DB) addVersion(ctx context.Context, insert string, args ...any) error {
	err := db.write(ctx, func(t *tx) error {
		_, err := t.exec(insert, args...)
		return err
	})
	if unique(err) {
		return fault.New(fault.PreconditionFailed)
	}
	return err
}

func values[T any](all []*T, err error) ([]T, error) {
	vs := make([]T, len(all))
	for i, v := range all {
		vs[i] = *v
	}
	return vs, err
}
