FROM python:3.13-slim AS build
WORKDIR /src
RUN ["python", "-m", "venv", "/opt/acs-bridge"]
COPY requirements.txt ./
RUN ["/opt/acs-bridge/bin/pip", "install", "--no-cache-dir", "--require-hashes", "--requirement", "requirements.txt"]
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY config/profiles config/profiles
COPY cwmp cwmp
COPY acs_bridge acs_bridge
RUN ["/opt/acs-bridge/bin/pip", "install", "--no-cache-dir", "--no-deps", "--no-build-isolation", "."]

FROM python:3.13-slim
RUN ["useradd", "--system", "--uid", "10001", "--home-dir", "/var/lib/acs-bridge", "--create-home", "acs-bridge"]
COPY --from=build /opt/acs-bridge /opt/acs-bridge
ENV PATH=/opt/acs-bridge/bin:$PATH
# The keyring, and without a database.url the embedded Postgres, lie in var/ under this folder: mount a volume on it.
WORKDIR /var/lib/acs-bridge
VOLUME /var/lib/acs-bridge
USER 10001
EXPOSE 7547 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "-c", "import http.client; c = http.client.HTTPConnection('127.0.0.1', 8080, timeout=4); c.request('GET', '/healthz'); exit(c.getresponse().status != 200)"]
ENTRYPOINT ["acs-bridge"]
CMD ["serve"]
