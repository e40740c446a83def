"""Every number that Slack's documentation gives for messages, views and their parts: the one table of limits."""

from __future__ import annotations

from types import MappingProxyType

# name → the most that is allowed: characters, or items where the name is a plural
LIMITS = MappingProxyType(
    {
        # messages
        "message.text": 40_000,  # longer text is cut, not refused
        "update.text": 4_000,
        "markdown_text": 12_000,
        "message.blocks": 50,
        "message.attachments": 100,
        "metadata.bytes": 8_000,
        # commands
        "app.commands": 50,
        "command.description": 100,
        "command.usage_hint": 100,
        # views
        "view.blocks": 100,
        "view.bytes": 250_000,
        "view.title": 24,
        "view.submit": 24,
        "view.close": 24,
        "view.private_metadata": 3_000,
        "view.callback_id": 255,
        "view.external_id": 255,
        "view.stack": 3,
        # everywhere
        "text": 3_000,
        "block_id": 255,
        "action_id": 255,
        # blocks
        "section.text": 3_000,
        "section.fields": 10,
        "section.field": 2_000,
        "header.text": 150,
        "context.elements": 10,
        "actions.elements": 25,
        "image.alt_text": 2_000,
        "image.image_url": 3_000,
        "image.title": 2_000,
        "input.label": 2_000,
        "input.hint": 2_000,
        "markdown.text": 12_000,
        "table.rows": 100,
        "table.columns": 20,
        "table.characters": 10_000,
        "alert.text": 200,
        # elements
        "button.text": 75,
        "button.value": 2_000,
        "button.url": 3_000,
        "button.accessibility_label": 75,
        "placeholder": 150,
        "select.options": 100,
        "select.option_groups": 100,
        "option.text": 75,
        "option.value": 150,
        "option.description": 75,
        "option.url": 3_000,
        "option_group.label": 75,
        "overflow.options": 5,
        "radio_buttons.options": 10,
        "checkboxes.options": 10,
        "confirm.title": 100,
        "confirm.text": 300,
        "confirm.confirm": 30,
        "confirm.deny": 30,
        "plain_text_input.length": 3_000,
        # attachments of old
        "attachment.actions": 5,
        "attachment.footer": 300,
        "attachment.callback_id": 255,
        "attachment.action.value": 2_000,
        "attachment.action.options": 100,
        "attachment.action.option.text": 75,
        "attachment.action.option.value": 2_000,
        # what an app's owner configures
        "app.shortcuts": 10,
        "app.unfurl_domains": 5,
        "shortcut.name": 24,
        "shortcut.callback_id": 255,
        "shortcut.description": 150,
        # dialogs of old
        "dialog.title": 24,
        "dialog.callback_id": 255,
        "dialog.submit_label": 24,
        "dialog.state": 3_000,
        "dialog.elements": 10,
        "dialog.element.name": 300,
        "dialog.element.label": 48,
        "dialog.element.hint": 150,
        "dialog.element.placeholder": 150,
        "dialog.text": 150,
        "dialog.textarea": 3_000,
        "dialog.options": 100,
        "dialog.option.label": 75,
        "dialog.option.value": 75,
    }
)
