FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY . .
RUN npm ci --ignore-scripts --no-audit --no-fund && node scripts/image.ts /app

FROM gcr.io/distroless/nodejs24-debian12:nonroot
ENV NODE_ENV=production
COPY --from=build /app /app
USER 65532:65532
EXPOSE 8443 8080 9443
ENTRYPOINT ["/nodejs/bin/node", "/app/node_modules/@fuseboard/operator/dist/main.js"]
CMD ["serve"]
