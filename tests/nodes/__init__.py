"""More than one machine: web and worker nodes, a pooler between them and PostgreSQL, a balancer in front."""
