from django.apps import AppConfig


class SlackConfig(AppConfig):
    name = "tocsin.slack"
