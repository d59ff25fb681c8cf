"""The statements of a pledge, as one would write them by hand for both databases."""

from __future__ import annotations

BY_SESSION = """SELECT u.id, u.name, u.locale FROM user_session s JOIN "user" u ON u.id = s.user_id
    WHERE s.token_hash = :hash AND s.revoked_at IS NULL AND s.expires_at > :now AND u.state = 'active'"""
BY_TOKEN = """SELECT u.id, u.name, u.locale, t.scopes FROM api_token t JOIN "user" u ON u.id = t.user_id
    WHERE t.token_hash = :hash AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > :now)
    AND u.state = 'active'"""
LOOK = """SELECT l.owner_id, l.state, l.title, c.state AS campaign_state, c.closes_at, c.goal_minor, c.zone, c.currency,
    (SELECT p.agreement_id FROM funding_pledge p WHERE p.campaign_id = c.listing_id AND p.member_id = :member
        AND p.standing) AS standing,
    (SELECT p.agreement_id FROM funding_pledge p WHERE p.member_id = :member AND p.nonce = :nonce) AS sent,
    (SELECT m.kind FROM saved_method m WHERE m.id = :method AND m.user_id = :member AND m.removed_at IS NULL
        AND m.barred_at IS NULL) AS card
    FROM funding_campaign c JOIN listing l ON l.id = c.listing_id WHERE c.listing_id = :campaign"""
TAKE = """UPDATE funding_reward SET taken = taken + 1 WHERE id = :reward AND campaign_id = :campaign
    AND NOT withdrawn AND (stock IS NULL OR taken < stock) RETURNING title, description, amount_minor"""
AGREEMENT = """INSERT INTO agreement
    (kind, listing_id, owner_id, member_id, state, phase, amount_minor, currency, terms, version, created_at, updated_at)
    VALUES ('pledge', :campaign, :owner, :member, 'pledged', 'agreed', :amount, 'EUR', :terms, 2, :now, :now)
    RETURNING id"""
EVENTS = """INSERT INTO agreement_event
    (agreement_id, seq, transition, from_state, to_state, actor_id, actor_role, data, at)
    VALUES (:agreement, 1, 'created', NULL, 'unconfirmed', :member, 'member', '{}', :now),
        (:agreement, 2, 'confirm', 'unconfirmed', 'pledged', NULL, 'system', '{}', :now)"""
PAYMENT = """INSERT INTO payment
    (agreement_id, payer_id, payee_id, purpose, strategies, amount_minor, currency, state, method_id, method_kind,
    created_at, updated_at)
    VALUES (:agreement, :member, :owner, 'pledge', 'save_and_charge,charge_and_refund', :amount, 'EUR', 'ready', :method,
    'card', :now, :now) RETURNING id"""
PLEDGE = """INSERT INTO funding_pledge
    (agreement_id, campaign_id, member_id, reward_id, payment_id, amount_minor, nonce, counted, holds_stock)
    VALUES (:agreement, :campaign, :member, :reward, :payment, :amount, :nonce, true, true)"""
ADD = """UPDATE funding_campaign SET pledged_minor = pledged_minor + :amount, backers = backers + 1
    WHERE listing_id = :campaign AND state = 'live'"""
NOTICES = """INSERT INTO notification (user_id, kind, params, url, created_at)
    VALUES (:member, 'funding.pledged', :facts, :url, :now), (:owner, 'funding.new_backer', :facts, :url, :now)"""
JOB = """INSERT INTO job (kind, payload, run_at, created_at) VALUES ('notifications.mail', :mail, :now, :now)"""
CLAIM = """INSERT INTO idempotency_record (user_id, "key", fingerprint, state, created_at, expires_at)
    VALUES (:member, :key, 'f', 'in_progress', :now, :now) ON CONFLICT DO NOTHING RETURNING id"""
KEEP = """UPDATE idempotency_record SET state = 'done', status = 201, headers = '{}', body = :body
    WHERE user_id = :member AND "key" = :key"""
