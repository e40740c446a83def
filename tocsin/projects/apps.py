from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    name = "tocsin.projects"
