FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY . .
RUN npm ci --ignore-scripts --no-audit --no-fund && node scripts/image.ts /app

FROM gcr.io/distroless/nodejs24-debian12:nonroot
ENV NODE_ENV=production
COPY --from=build /app /app
USER 65532:65532
EXPOSE 8443 8080 9443
# Without these, the heap may take half of the container's memory, and less than the default limits of the operator need.
ENTRYPOINT ["/nodejs/bin/node", "--max-old-space-size-percentage=60", "--max-semi-space-size=16", "/app/node_modules/@fuseboard/operator/dist/main.js"]
CMD ["serve"]
