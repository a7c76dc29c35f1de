# syntax=docker/dockerfile:1
# One static program on an empty image: no shell, no package manager, no root.

FROM node:22-bookworm-slim AS pages
WORKDIR /src/web/assets
COPY web/assets/package.json web/assets/package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --no-audit --no-fund
COPY web/assets ./
RUN node build.mjs

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
COPY --from=pages /src/web/assets/dist web/assets/dist
ARG VERSION=development
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/balagh ./cmd/balagh \
 && install -d -o 65532 -g 65532 -m 0700 /out/data

FROM scratch
ARG VERSION=development
LABEL org.opencontainers.image.title="Balagh" \
      org.opencontainers.image.description="Open citizen reporting: reports, push, ratings, insights" \
      org.opencontainers.image.source="https://github.com/balagh/balagh" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
# The certificates of the authorities, to reach Firebase and gateways over TLS.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/balagh /balagh
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
# Photos are kept beside the store.
ENV BALAGH_ADDRESS=:8080 \
    BALAGH_STORE=sqlite:/data/balagh.db
EXPOSE 8080
VOLUME ["/data"]
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s --retries=3 CMD ["/balagh", "health"]
ENTRYPOINT ["/balagh"]
CMD ["serve"]
