package sqlite

import (
	"context"
	"crypto/rand"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/store/storetest"
)

func TestAccounts(t *testing.T) {
	t.Parallel()
	storetest.TestAccounts(t, func(t *testing.T) accounts.Store { return fresh(t) })
}

type lastCode struct {
	mu   sync.Mutex
	code string
	sent int
}

func (l *lastCode) SendCode(_ context.Context, _, _, code string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.code, l.sent = code, l.sent+1
	return nil
}

// One hundred correct codes at once through the whole service and the real store: one session (MISP CVE-2026-107276).
func TestAccounts_signInOnceOf100(t *testing.T) {
	t.Parallel()
	db, sms := fresh(t), &lastCode{}
	s, err := accounts.New(t.Context(), accounts.Config{Secret: make([]byte, 32)}, db, sms)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.RequestCode(t.Context(), accounts.CodeRequest{Phone: "0512345678"}); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() { _, _ = s.SignInWithCode(t.Context(), accounts.CodeSignIn{Phone: "0512345678", Code: sms.code}) })
	}
	wg.Wait()
	n := 0
	if err := db.row(t.Context(), `SELECT count(*) FROM sessions`).Scan(&n); err != nil || n != 1 {
		t.Fatalf("%d sessions, %v", n, err)
	}
}

// Twenty clerks who register a caller at once, through the real store: one account.
func TestAccounts_ensureCitizenAtOnce(t *testing.T) {
	t.Parallel()
	s, err := accounts.New(t.Context(), accounts.Config{Secret: make([]byte, 32)}, fresh(t), &lastCode{})
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]string, 20)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			c, err := s.EnsureCitizen(t.Context(), actor.Actor{Kind: actor.System}, accounts.Caller{Phone: "0512345678"})
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = c.ID
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatal("two accounts of one number")
		}
	}
}

// A limit survives a restart, and nothing that the store holds names a phone, an address or a code.
func TestAccounts_limitsSurviveAndHoldNoPhones(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "balagh.db")
	sms := &lastCode{}
	allowed := 0
	for range 4 {
		db, err := Open(t.Context(), path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		s, err := accounts.New(t.Context(), accounts.Config{Secret: make([]byte, 32)}, db, sms)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := s.RequestCode(t.Context(), accounts.CodeRequest{Phone: "+966512345678", Address: "198.51.100.7"}); err == nil {
				allowed++
			}
		}
		held := ""
		for _, q := range []string{`SELECT coalesce(group_concat(key || ' ' || hex(mac) || ' ' || mac), '') FROM codes`,
			`SELECT coalesce(group_concat(key || ' ' || doc), '') FROM counters`} {
			var all string
			if err := db.row(t.Context(), q).Scan(&all); err != nil {
				t.Fatal(err)
			}
			held += all
		}
		for _, secret := range []string{"512345678", "198.51.100.7", sms.code} {
			if strings.Contains(held, secret) {
				t.Errorf("the store holds %q", secret)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if allowed != 3 || sms.sent != 3 {
		t.Fatalf("%d codes allowed, %d sent", allowed, sms.sent)
	}
}

// Every statement of the sign-in is answered by an index, so that its cost does not grow with the store.
func TestAccounts_statementsUseIndexes(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	for _, q := range []string{
		`SELECT doc FROM citizens WHERE phone = ?`,
		`SELECT coalesce(push_token, ''), doc FROM devices WHERE citizen = ? ORDER BY seen DESC, id`,
		`UPDATE devices SET push_token = NULL WHERE push_token = ? AND citizen = ?`,
		`UPDATE sessions SET ended = ? WHERE account = ? AND ended = 0 AND id <> ? RETURNING id`,
		`SELECT id, ended FROM sessions WHERE ended > 0 AND ended >= ?`,
		`SELECT doc FROM counters WHERE key = ?`,
		`UPDATE codes SET tries = tries + 1 WHERE key = ? AND tries < ? AND expires > ?`,
		`SELECT key FROM counters WHERE expires < ? LIMIT 1000`,
		`SELECT doc FROM staff WHERE id > ? ORDER BY id LIMIT ?`,
		`SELECT count(*) FROM staff WHERE admin = 1`,
	} {
		args := make([]any, strings.Count(q, "?"))
		for i := range args {
			args[i] = 1
		}
		plan, err := explain(t.Context(), db, q, args)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(plan, "SCAN") {
			t.Errorf("%s\n%s", q, plan)
		}
	}
}

func explain(ctx context.Context, db *DB, q string, args []any) (string, error) {
	rows, err := db.query(ctx, "EXPLAIN QUERY PLAN "+q, args...)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	plan := ""
	for rows.Next() {
		var a, b, c int
		var step string
		if err := rows.Scan(&a, &b, &c, &step); err != nil {
			return "", err
		}
		plan += step + "\n"
	}
	return plan, rows.Err()
}

// BenchmarkTake counts against a store that holds a million other counters.
func BenchmarkTake(b *testing.B) {
	db := fresh(b)
	err := db.write(b.Context(), func(t *tx) error {
		_, err := t.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
			INSERT INTO counters SELECT hex(randomblob(16)), 9e15, '{}' FROM n`)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	l := accounts.Limit{Max: 1 << 40, Window: time.Minute}
	b.Run("one_more", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				quotas := []accounts.Quota{{Key: rand.Text(), Limit: l}, {Key: "total", Limit: l}}
				if _, err := db.Take(b.Context(), time.Now(), quotas); err != nil {
					b.Error(err)
				}
			}
		})
	})
}
