"""From a policy to a front end's own configuration: recognized, decided and answered without Optout running."""
