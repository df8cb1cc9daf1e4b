FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY . .
RUN npm ci --ignore-scripts --no-audit --no-fund && node scripts/image.ts /app

FROM gcr.io/distroless/nodejs24-debian12:nonroot
ENV NODE_ENV=production
COPY --from=build /app /app
USER 65532:65532
EXPOSE 8443 8080 9443
# The heap may take so much that the rest of the process, buffers and connections at the default limits, fits beside it.
ENTRYPOINT ["/nodejs/bin/node", "--max-old-space-size-percentage=55", "--max-semi-space-size=16", "/app/node_modules/@fuseboard/operator/dist/main.js"]
CMD ["serve"]
