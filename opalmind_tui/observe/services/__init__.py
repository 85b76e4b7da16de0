"""OpalMind services that run beside us: asked over HTTP for their health documents, rarely, because that costs them."""
