
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('slack', '0002_modals'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='card',
            index=models.Index(fields=['created_at'], name='card_age'),
        ),
    ]
