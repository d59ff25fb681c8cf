"""What the place itself is: its plugins, its settings, and the record of what operators did."""

from __future__ import annotations

from typing import Any

from flask import flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from marketplace.admin import audit, plugins, setting_form
from marketplace.admin.door import blueprint, me
from marketplace.admin.models import AuditEntry
from marketplace.admin.paging import mark, paged, word
from marketplace.errors import DomainError
from marketplace.runtime import runtime
from marketplace.settings import service as settings

SORTS = {
    "listing_kinds": _l("Listing kinds"),
    "agreement_kinds": _l("Agreement kinds"),
    "blueprints": _l("Pages"),
    "settings": _l("Settings"),
    "jobs": _l("Jobs"),
}


@blueprint.get("/plugins", endpoint="plugins")
def plugin_list() -> Any:
    """Show what is installed, what is on, and how it is doing."""
    return render_template(
        "operator/plugins.html",
        plugins=plugins.plugins(),
        core=plugins.core_tables(),
        warnings=plugins.warnings(),
        sorts=SORTS,
        switched=",".join(runtime().settings.plugins),
    )


@blueprint.route("/settings", methods=["GET", "POST"], endpoint="settings")
def change_settings() -> Any:
    """Change what may be changed while the site runs; all of it is checked before any of it is kept."""
    fields = settings.form_fields()
    form = setting_form.made(fields)
    if form.validate_on_submit():
        try:
            changed = setting_form.keep(form, fields, me().id)
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Saved.") if changed else _("Nothing was changed."), "success" if changed else "info")
            return redirect(url_for("operator.settings"))
    groups = setting_form.grouped(form, fields)
    status = 422 if form.errors else 200
    return make_response(render_template("operator/settings.html", form=form, groups=groups), status)


@blueprint.get("/audit", endpoint="audit")
def audit_log() -> Any:
    """List what operators and the marketplace did, the newest first."""
    action, actor, subject, subject_id = word("action"), mark(word("actor")), word("subject"), word("id")
    listed = audit.lines(action=action or None, actor_id=actor, subject_type=subject or None, subject_id=subject_id)
    return render_template(
        "operator/audit.html",
        page=paged(listed, AuditEntry.id),
        filters={"action": action, "actor": actor or "", "subject": subject, "id": subject_id},
        filtered=any(name in request.args for name in ("action", "actor", "subject", "id")),
    )
